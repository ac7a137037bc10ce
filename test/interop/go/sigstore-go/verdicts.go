package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// question is one line of input: a bundle's file, its artifact's digest as
// sha256:HEX, a trusted root, and the signer's public key where it has one.
type question struct {
	Bundle      string
	Digest      string
	TrustedRoot string
	PublicKey   string
}

// giveVerdicts answers each line of a file of questions with one: "verified", or why the bundle is not.
func giveVerdicts(questions string, out io.Writer) error {
	in, err := os.Open(questions)
	if err != nil {
		return err
	}
	defer in.Close()
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return err
		}
		verdict := "verified"
		if err := verifyDigest(asked); err != nil {
			verdict = strings.ReplaceAll(err.Error(), "\n", " ")
		}
		if _, err := fmt.Fprintln(out, verdict); err != nil {
			return err
		}
	}
	return lines.Err()
}

// verifyDigest asks for an entry of a known log; of a certificate for an SCT and a
// time from the log or from a stamp too. Anybody may have signed whom it names.
func verifyDigest(asked question) error {
	trusted, err := root.NewTrustedRootFromPath(asked.TrustedRoot)
	if err != nil {
		return fmt.Errorf("trusted root: %w", err)
	}
	signed, err := bundle.LoadJSONFromPath(asked.Bundle)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	algorithm, digits, _ := strings.Cut(asked.Digest, ":")
	digest, err := hex.DecodeString(digits)
	if err != nil {
		return fmt.Errorf("digest: %w", err)
	}
	material := root.TrustedMaterialCollection{trusted}
	options := []verify.VerifierOption{verify.WithTransparencyLog(1)}
	signer := verify.WithKey()
	if asked.PublicKey == "" {
		options = append(options, verify.WithSignedCertificateTimestamps(1), verify.WithObserverTimestamps(1))
		anybody, err := verify.NewShortCertificateIdentity("", ".*", "", ".*")
		if err != nil {
			return err
		}
		signer = verify.WithCertificateIdentity(anybody)
	} else {
		key, err := keyOf(asked.PublicKey)
		if err != nil {
			return err
		}
		material = append(material, key)
		options = append(options, verify.WithNoObserverTimestamps())
	}
	verifier, err := verify.NewVerifier(material, options...)
	if err != nil {
		return err
	}
	_, err = verifier.Verify(signed, verify.NewPolicy(verify.WithArtifactDigest(algorithm, digest), signer))
	return err
}
