"""Project Wycheproof's vectors for JSON Web Signatures and Keys: each invalid one is refused for its own reason.

`REASONS` says what a comment or flag of the vectors means here. Cases of algorithms that are not offered (RS384, PS256,
ES512, HS512, …) are all refused as such. Four cases contradict the rest, see `CONTRADICTORY` and `NOT_BASE64URL`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from shopctl.auth.jose import compact
from shopctl.auth.jose.algorithms import OFFERED
from shopctl.auth.jose.errors import KeyRefused, TokenRefused
from shopctl.auth.jose.key_sets import parse_jwks
from shopctl.auth.jose.keys import VerifyingKey

pytestmark = pytest.mark.assure("S7")

# Marked invalid, and yet byte for byte the token of a case marked valid (C2SP/wycheproof#236: padding got lost).
CONTRADICTORY = {"invalidBase64Padding": "ValidMac", "invalidBase64PaddingInPayload": "ValidMac"}
# Marked valid, and yet with a `?` put into header or payload, which the MAC does not cover (RFC 7515, section 2).
NOT_BASE64URL = {"InvalidCharacterInsertedInHeader", "InvalidCharacterInsertedInPayload"}

PARTS, BASE64, SIGNATURE = "form parts", "form base64", "signature signature"
LENGTH, RANGE = "signature length", "signature range"
REASONS = {
    "rejectsModifiedSignature": SIGNATURE,
    "rejectsModifiedPayload": SIGNATURE,
    "rejectsMissingPayload": SIGNATURE,
    "rejectsModifiedHeader": "key key",  # its kid was altered; that its signature fails too is tested below
    "ModifiedPadding": SIGNATURE,
    "rejectsMissingSignature": "signature missing",
    "rejectsMissingHeader": "header empty",
    "rejectsMissingHeaderAndSignature": "header empty",
    "rejectsEmptyString": "form empty",
    "rejectsMissingSignatureAndSeparator": PARTS,
    "rejectsMissingPayloadAndSeparator": PARTS,
    "rejectsMissingHeaderAndSeparator": PARTS,
    "rejectsMissingHeaderSignatureAndSeparator": PARTS,
    "rejectsMissingHeaderSignatureAndSeparators": PARTS,
    "rejectsExtraEmptyComponent": PARTS,
    "rejectsExtraComponent": PARTS,
    "JsonSerialization": "form json",
    "rejectsNoneAlgorithmAndMissingSignature": "algorithm none",
    "rejectsSymmetryConfusionAttacks_aesKeyFromEcVerificationKeyBytes": "algorithm mismatch",
    "rejectsAttackerProvidedEmbeddedJwk": "header embedded_key",
    "rejectsSpacesInMac": BASE64,
    "rejectsInvalidCharacterInsertedInMac": BASE64,
    "rejects0ReplacedbyInvalidCharacter": BASE64,
    "rejectsInvalidCharacters": BASE64,
    "spacesInHeader": BASE64,
    "invalidCharactersInHeader": BASE64,
    "spacesInPayload": BASE64,
    "invalidCharactersInPayload": BASE64,
    "InvalidCharacterInPayload": BASE64,
    "ModifiedUnusedBitsInPayload": BASE64,
    "MacOfIncorrectlyEncodedMessage": BASE64,
    "SignatureTooLong": LENGTH,
    "TrailingZeros": LENGTH,
    "RisTooBig": LENGTH,  # written with 33 bytes
    "SisTooBig": LENGTH,
    "IntegerOverflow": LENGTH,
    "BufferOverflow": LENGTH,
    **{
        f"rIs{r}_sIs{s}": SIGNATURE if {r, s} <= {"One", "Nminus1"} else RANGE
        for r in ("Zero", "One", "Nminus1", "N")
        for s in ("Zero", "One", "Nminus1", "N")
    },
    "rejectWrongUse": "the key: use",
    "rejectsWrongUse": "the key: use",
    "rejectWrongKeyOps": "the key: key_ops",
    "jws_mixedSymmetryKeyset": "the key: mixed",
    "rejectsDuplicateKid": "the key: duplicate_kid",
    "rejectsKeyWithRocaVulnerability": "the key: roca",
    "rejects1024bitRsaKey": "the key: rsa_size",
    "rejectsPublicExponent1": "the key: rsa_exponent",
    "key_too_short": "the key: too_short",
    "empty_key": "the key: too_short",
    "mismatchedAlgAndCurve": "the key: alg",
    "rejectsAesKey": "the key: alg",
    # Of `rejectsModifiedKey` the group says what was modified.
    "invalid_use": "the key: use",
    "invalid_point": "the key: point",
    "wrong_curve": "the key: curve",
    "wrong_kty": "the key: alg",  # an RSA key is not for ES256
}
ACCEPTED = "accepted"
# Key algorithms of whole groups that are not offered; all other keys are ours to judge.
OTHER = {"RS384", "RS512", "PS256", "PS384", "PS512", "ES521", "HS384", "HS512"}


class Case(NamedTuple):
    """A test of the vectors with the key of its group."""

    file: str
    group: str
    key: dict[str, Any]
    id: int
    comment: str
    flags: list[str]
    valid: bool
    token: str

    def keys(self) -> dict[str, VerifyingKey]:
        """The verifier's keys. Raises KeyRefused. Many of the vectors' RSA keys have 2048 bits."""
        if "keys" in self.key:
            secret = any(each["kty"] == "oct" for each in self.key["keys"])
            return parse_jwks(json.dumps(self.key), minimum_rsa_bits=2048, secret=secret)
        key = VerifyingKey.from_jwk(self.key, minimum_rsa_bits=2048)
        return {key.kid: key}

    def outcome(self) -> str:
        """What becomes of it."""
        try:
            keys = self.keys()
        except KeyRefused as refused:
            return f"the key: {refused.why}"
        try:
            compact.verify(self.token, keys)
        except TokenRefused as refused:
            return f"{refused.check} {refused.why}"
        return ACCEPTED

    def wanted(self) -> str:
        """What must become of it: the reason that the vectors state, in our words."""
        if self.comment in NOT_BASE64URL and self.group == "base64":
            return BASE64
        if self.valid or self.comment in CONTRADICTORY:
            return ACCEPTED
        stated = [reason for name, reason in REASONS.items() if name in (self.comment, self.group, *self.flags)]
        assert len(stated) == 1, f"{self}: {stated}"
        return stated[0]

    @property
    def other(self) -> bool:
        """Whether it is about an algorithm that is not offered; ES521 on P-256 is a key that does not fit itself."""
        listed = self.key.get("keys", [self.key])
        return OTHER.issuperset(key.get("alg") for key in listed) and self.group != "wrong_algorithm"


def cases(folder: Path, *files: str) -> Iterator[Case]:
    """The cases of some of the files that are signed tokens."""
    for file in files:
        vectors = json.loads((folder / f"security/wycheproof-json-web-{file}.json").read_text())
        for group in vectors["testGroups"]:
            key = group.get("public") or group["private"]
            for test in group["tests"]:
                if "jws" in test:
                    token = test["jws"] if isinstance(test["jws"], str) else json.dumps(test["jws"])
                    about = (test["tcId"], test["comment"], test["flags"], test["result"] == "valid")
                    yield Case(file, group["comment"], key, *about, token)


@pytest.fixture(scope="module")
def signed(shared_data: Path) -> list[Case]:
    return list(cases(shared_data, "signature", "key", "crypto"))


def test_every_case_has_the_outcome_that_it_states(signed: list[Case]) -> None:
    judged = [case for case in signed if not case.other]
    wrong = {
        (case.file, case.id, case.comment): (case.outcome(), case.wanted())
        for case in judged
        if case.outcome() != case.wanted()
    }

    assert wrong == {}
    assert len(judged) > 350
    assert sum(case.wanted() == ACCEPTED for case in judged) >= 25
    assert {"EdDSA", *(case.key.get("alg") for case in judged)} >= set(OFFERED)  # the vectors know no EdDSA


def test_what_is_not_offered_is_refused_as_such(signed: list[Case]) -> None:
    others = [case for case in signed if case.other]

    assert {case.outcome() for case in others} <= {"the key: alg", "the key: curve"}
    assert len(others) > 80
    for case in others:
        if "AlgIsNone" in case.flags:
            with pytest.raises(TokenRefused) as refused:
                compact.verify(case.token, {})
            assert refused.value.why == "none"


def test_an_altered_header_breaks_the_signature_too(signed: list[Case]) -> None:
    altered = [case for case in signed if case.comment == "rejectsModifiedHeader"]
    for case in altered:
        header = compact.read_header(case.token.partition(".")[0])
        (key,) = case.keys().values()
        with pytest.raises(TokenRefused, match="signature does not fit"):
            compact.verify(case.token, {header.kid: key})
    assert len(altered) >= 6


def test_the_four_contradictory_cases_are_what_they_are_taken_for(signed: list[Case]) -> None:
    base64 = {case.comment: case for case in signed if case.group == "base64"}

    for comment, twin in CONTRADICTORY.items():
        assert not base64[comment].valid
        assert base64[twin].valid
        assert base64[comment].token == base64[twin].token
    for comment in NOT_BASE64URL:
        assert base64[comment].valid
        assert base64[comment].token.replace("?", "") == base64["ValidMac"].token != base64[comment].token


def test_no_encrypted_token_is_taken(shared_data: Path) -> None:
    tokens = [
        test["jwe"] if isinstance(test["jwe"], str) else json.dumps(test["jwe"])
        for file in ("encryption", "crypto")
        for group in json.loads((shared_data / f"security/wycheproof-json-web-{file}.json").read_text())["testGroups"]
        for test in group["tests"]
        if "jwe" in test
    ]
    outcomes = set()
    for token in tokens:
        with pytest.raises(TokenRefused) as refused:
            compact.verify(token, {})
        outcomes.add(f"{refused.value.check} {refused.value.why}")

    assert outcomes == {"form encrypted", "form parts", "form json"}
    assert len(tokens) > 150
