package main

import (
	"fmt"
	"os"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// verifyArtifact demands an entry of one log that the trusted root names, and a
// signature over the artifact by the public key. There is no time stamp.
func verifyArtifact(trustedRoot, publicKey, bundleFile, artifact string) error {
	logs, err := root.NewTrustedRootFromPath(trustedRoot)
	if err != nil {
		return fmt.Errorf("trusted root: %w", err)
	}
	key, err := keyOf(publicKey)
	if err != nil {
		return fmt.Errorf("public key: %w", err)
	}
	signed, err := bundle.LoadJSONFromPath(bundleFile)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	file, err := os.Open(artifact)
	if err != nil {
		return err
	}
	defer file.Close()

	verifier, err := verify.NewVerifier(root.TrustedMaterialCollection{logs, key},
		verify.WithTransparencyLog(1), verify.WithNoObserverTimestamps())
	if err != nil {
		return err
	}
	if _, err := verifier.Verify(signed, verify.NewPolicy(verify.WithArtifact(file), verify.WithKey())); err != nil {
		return err
	}
	fmt.Println("verified")
	return nil
}

func keyOf(file string) (root.TrustedMaterial, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	key, err := cryptoutils.UnmarshalPEMToPublicKey(pem)
	if err != nil {
		return nil, err
	}
	verifier, err := signature.LoadDefaultVerifier(key, options.WithED25519ph())
	if err != nil {
		return nil, err
	}
	return root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(verifier, time.Time{}, time.Time{}), nil
	}), nil
}
