"""Audits a log with aics-tlog: authenticates every tile and every entry against the signed checkpoint.

Usage: python aics_audit.py URL VERIFIER_KEY
"""

import sys

from aics_tlog import HttpTileReader, audit_tiles, parse_note, parse_vkey, verify_checkpoint

if __name__ == "__main__":
    url, verifier_key = sys.argv[1:]
    reader = HttpTileReader([url])
    verified = verify_checkpoint(parse_note(reader.read_checkpoint()), parse_vkey(verifier_key))
    if not verified.ok:
        sys.exit(f"checkpoint: {verified.error}")
    report = audit_tiles(reader, verified.size, verified.root)
    print(f"authenticated {report.size} entries in {report.bundles} bundles")
