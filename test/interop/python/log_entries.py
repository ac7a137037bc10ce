"""Verifies entries of a log with sigstore-python's own classes.

Usage: python log_entries.py TRUSTED_ROOT < ENTRIES

ENTRIES is a JSON array of what the log answered to submissions. Prints a JSON array: of each entry what was read of it
or, where sigstore-python refuses it, why. Any other failure ends the program with a traceback.
"""

import json
import sys

from pydantic import ValidationError
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint, verify_checkpoint
from sigstore._internal.trust import KeyringPurpose
from sigstore.errors import Error
from sigstore.models import TransparencyLogEntry, TrustedRoot
from sigstore_models.rekor.v1 import TransparencyLogEntry as EntryMessage
from sigstore_models.rekor.v2.entry import Entry as Body


def read(answer, keyring):
    # As its client reads an answer.
    entry = TransparencyLogEntry(EntryMessage.from_dict(answer))
    message = entry._inner
    verify_merkle_inclusion(entry)
    verify_checkpoint(keyring, entry)
    # What it does with an entry of a bundle: the two above, and the promise where there is one.
    entry._verify(keyring)
    checkpoint = SignedCheckpoint.from_text(message.inclusion_proof.checkpoint.envelope).checkpoint
    body = Body.from_json(message.canonicalized_body)
    return {
        "index": message.log_index,
        "size": checkpoint.log_size,
        "hashes": len(message.inclusion_proof.hashes),
        "kind": body.kind,
        "version": body.api_version,
        "keyDetails": body.spec.hashed_rekord_v002.signature.verifier.key_details.value,
    }


def judge(answer, keyring):
    try:
        return read(answer, keyring)
    except (Error, ValidationError) as refusal:
        return {"refused": str(refusal)}


if __name__ == "__main__":
    rekor_keyring = TrustedRoot.from_file(sys.argv[1]).rekor_keyring(KeyringPurpose.VERIFY)
    json.dump([judge(answer, rekor_keyring) for answer in json.load(sys.stdin)], sys.stdout)
