"""No spelling of an inner address is called, and every one that lies outside is (S21)."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from shopctl.outgoing.addresses import kind_inside
from shopctl.outgoing.errors import UrlRefused
from shopctl.outgoing.targets import target

pytestmark = pytest.mark.assure("S21")

INSIDE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1
192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.51.100.1 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255
:: ::1 ::7f00:1 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::7f00:1 64:ff9b:1::808:808 100::1 2001::1
2001:0:7f00:1::1 2001:db8::1 2002:7f00:1:: 2002:a00:1::1 2002:808:808:: 3fff::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254
fd12:3456:789a::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1 4000::1 2606:4700::5efe:10.0.0.1
2606:4700::200:5efe:127.0.0.1
""".split()
OUTSIDE = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 172.15.255.255
172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
2001:200::1 2001:4860:4860::8888 2606:4700:4700::1111 2a00:1450:4001:81b::200e ::ffff:8.8.8.8 64:ff9b::808:808
""".split()

SPELLINGS = """
http://2130706433/ http://017700000001/ http://0x7f000001/ http://0x7f.0.0.1/ http://0177.0.0.1/ http://127.1/
http://127.0.1/ http://127.0.0.01/ http://0x7f.1/ http://127.0.0.0x1/ http://0/ http://0x0/ http://00.0/
http://4294967295/ http://127.0.0.1.1/ http://256.0.0.1/ http://127.0.0.1../ http://.127.0.0.1/ http://1.0x/
http://[::1%25lo]/ http://[::1%lo]/ http://[fe80::1%25eth0]/ http://[::1/ http://::1/ http://[127.0.0.1]/
http://[::ffff:0x7f.0.0.1]/ http://[v1.127]/
http://user@127.0.0.1/ http://good.example:80@127.0.0.1/ http://127.0.0.1@good.example/ http://user:secret@good.example/
http://good.example\\@127.0.0.1/ http://127.0.0.1\\.good.example/ http:\\\\127.0.0.1/ http:/127.0.0.1/ http:127.0.0.1
http:///127.0.0.1 http://127%2e0.0.1/ http://%31%32%37.0.0.1/ http://loc%61lhost/
http://①②⑦.⓪.⓪.①:x/ http://127。0。0。0x1/ http://１２７．1/ http://0Ⅹ7f.1/
http://good.example:0/ http://good.example:/ http://good.example:65536/ http://good.example:8a/ http://good.example:-1/
file:///etc/passwd ftp://good.example/ gopher://good.example/ dict://127.0.0.1:11211/ ldap://good.example/
javascript:alert(1) data:text/plain,x unix:///var/run/docker.sock //good.example/ /path good.example
http://-good.example/ http://good..example/ http://good_example-/ http:// http://? http://#x
""".split()
SPELLINGS += [
    "http://good.example /", " http://good.example/", "http://good.example/\r\nX: y", "http://good.exa\tmple/",
    "http://good.example/\x00", "http://127.0.0.1\u200b/x\n", "",
    f"http://{'a' * 64}.example/", f"http://{'a.' * 130}example/",
    "http://good.example/" + "x" * 9000, "http://good.example/\u2028",
]  # fmt: skip


@pytest.mark.parametrize("text", INSIDE)
def test_an_inner_address_is_known_for_one(text):
    assert kind_inside(ip_address(text))


@pytest.mark.parametrize("text", OUTSIDE)
def test_an_address_outside_is_called(text):
    assert kind_inside(ip_address(text)) is None


@pytest.mark.parametrize("url", SPELLINGS)
def test_a_url_that_can_be_read_in_two_ways_is_refused(url):
    with pytest.raises(UrlRefused) as refused:
        target(url)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://LocalHost./", "http://localhost"),
        ("http://127。0。0。1/", "http://127.0.0.1"),
        ("http://１２７.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "http://localhost"),
        ("HTTP://[0:0:0:0:0:0:0:1]:80/", "http://[::1]"),
        ("http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]"),
        ("https://bücher.example:443/a?b=c#d", "https://xn--bcher-kva.example"),
        ("https://erp_1.good.example:8443", "https://erp_1.good.example:8443"),
    ],
)
def test_a_host_has_one_spelling(url, origin):
    assert target(url).origin.replace("::ffff:127.0.0.1", "::ffff:7f00:1") == origin


def test_the_path_stays_as_it_is_and_the_fragment_goes():
    assert target("https://good.example/a%2Fb?c=%20#d").url == "https://good.example/a%2Fb?c=%20"
