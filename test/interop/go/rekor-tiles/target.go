package main

import (
	"crypto"
	"fmt"

	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore/pkg/signature"
	"golang.org/x/mod/sumdb/note"
)

// A target is a log with the key that it is held to.
type target struct {
	url, origin string
	key         signature.Verifier
	note        note.Verifier
}

func newTarget(url, origin, keyFile string) (*target, error) {
	key, err := signature.LoadVerifierFromPEMFile(keyFile, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("the log's key: %w", err)
	}
	verifier, err := rekornote.NewNoteVerifier(origin, key)
	if err != nil {
		return nil, err
	}
	return &target{url: url, origin: origin, key: key, note: verifier}, nil
}
