"""The columns of Magento's product file: their order in an export, what they are called elsewhere, which are read."""

from __future__ import annotations

import re

STANDARD = tuple(
    """sku store_view_code attribute_set_code product_type categories product_websites name description
    short_description weight product_online tax_class_name visibility price special_price special_price_from_date
    special_price_to_date url_key meta_title meta_keywords meta_description base_image base_image_label small_image
    small_image_label thumbnail_image thumbnail_image_label swatch_image swatch_image_label created_at updated_at
    new_from_date new_to_date display_product_options_in map_price msrp_price map_enabled gift_message_available
    custom_design custom_design_from custom_design_to custom_layout_update page_layout product_options_container
    msrp_display_actual_price_type country_of_manufacture additional_attributes qty out_of_stock_qty use_config_min_qty
    is_qty_decimal allow_backorders use_config_backorders min_cart_qty use_config_min_sale_qty max_cart_qty
    use_config_max_sale_qty is_in_stock notify_on_stock_below use_config_notify_stock_qty manage_stock
    use_config_manage_stock use_config_qty_increments qty_increments use_config_enable_qty_inc enable_qty_increments
    is_decimal_divided website_id deferred_stock_update use_config_deferred_stock_update related_skus related_position
    crosssell_skus crosssell_position upsell_skus upsell_position additional_images additional_image_labels
    hide_from_product_page custom_options bundle_price_type bundle_sku_type bundle_price_view bundle_weight_type
    bundle_values bundle_shipment_type associated_skus downloadable_links downloadable_samples configurable_variations
    configurable_variation_labels""".split()
)
"""The header of an export, in Magento's order."""

_FORMER = {
    "_store": "store_view_code",
    "_attribute_set": "attribute_set_code",
    "_type": "product_type",
    "_product_websites": "product_websites",
    "_category": "categories",
    "status": "product_online",
    "tax_class_id": "tax_class_name",
    "special_from_date": "special_price_from_date",
    "special_to_date": "special_price_to_date",
    "news_from_date": "new_from_date",
    "news_to_date": "new_to_date",
    "meta_keyword": "meta_keywords",
    "msrp": "msrp_price",
    "image": "base_image",
    "image_label": "base_image_label",
    "thumbnail": "thumbnail_image",
    "thumbnail_label": "thumbnail_image_label",
    "_media_image": "additional_images",
    "_media_lable": "additional_image_labels",  # so it is spelled there
    "_links_related_sku": "related_skus",
    "_links_related_position": "related_position",
    "_links_crosssell_sku": "crosssell_skus",
    "_links_crosssell_position": "crosssell_position",
    "_links_upsell_sku": "upsell_skus",
    "_links_upsell_position": "upsell_position",
}
"""What Magento 1, and Magento 2 before its 2.0, called the columns."""

_TELLING = frozenset(
    """attribute_set_code store_view_code product_websites product_online additional_attributes configurable_variations
    tax_class_name""".split()
)

LINKED = ("_super_products_sku", "_super_attribute_code", "_super_attribute_option")
"""Magento 1 has a row for each option of each variant, below the row of its configurable product."""
GROUPED = ("_associated_sku", "_associated_default_qty")

MAPPED = frozenset(
    """sku store_view_code product_type categories name description product_online tax_class_name price special_price
    special_price_from_date special_price_to_date map_price msrp_price base_image base_image_label additional_images
    additional_image_labels small_image small_image_label thumbnail_image thumbnail_image_label swatch_image
    swatch_image_label additional_attributes qty associated_skus configurable_variations configurable_variation_labels
    brand manufacturer bundle_values _root_category""".split()
).union(LINKED, GROUPED)
"""What becomes a field; any other column is an attribute."""

ROLES = ("small_image", "thumbnail_image", "swatch_image")
"""Where an image is shown; most often it is the base image."""

LISTS = (("map_price", "map"), ("msrp_price", "msrp"))
"""Prices nobody pays, each on a list of its own: the lowest to advertise, and the recommended one."""
OFFER = ("special_price", "special_price_from_date", "special_price_to_date")

KINDS = {
    "simple": "physical",
    "configurable": "physical",
    "virtual": "service",
    "downloadable": "digital",
    "bundle": "bundle",
    "grouped": "bundle",
}
"""Kind by product type; a grouped product is a bundle of what it groups, and keeps its type as an attribute."""

TYPES = {
    "physical": "simple",
    "service": "virtual",
    "subscription": "virtual",
    "digital": "downloadable",
    "bundle": "bundle",
}


HIDDEN, SHOWN = "Not Visible Individually", "Catalog, Search"
"""The usual visibility of a variant and of a product."""

USUAL = {"attribute_set_code": "Default", "product_websites": "base"}
USUAL_OF_BUNDLES = {
    "bundle_price_view": "Price range",
    "bundle_sku_type": "dynamic",
    "bundle_weight_type": "dynamic",
    "bundle_shipment_type": "together",
}
"""What an export says of products that have no attribute of this name; such a value becomes none."""


def column(header: str) -> str:
    """The name of a column in Magento 2."""
    name = header.strip().lower()
    return _FORMER.get(name, name)


def recognised(columns: frozenset[str]) -> bool:
    """Whether only Magento has a header with these columns."""
    return "sku" in columns and len(columns & _TELLING) > 1


def is_first(columns: frozenset[str]) -> bool:
    """Whether it is a file of Magento 1, whose products go on in rows without a SKU."""
    return not columns.isdisjoint({*LINKED, *GROUPED, "_root_category"})


def code_of(label: str) -> str:
    """The attribute code of an option: `Screen size` is `screen_size`."""
    return re.sub(r"\W+", "_", label.strip().lower()).strip("_") or "option"
