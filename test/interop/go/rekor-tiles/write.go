package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/sigstore/rekor-tiles/v2/pkg/client/write"
	pb "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	"github.com/sigstore/rekor-tiles/v2/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"
	"google.golang.org/protobuf/encoding/protojson"
)

// write signs an artifact, has the signature logged, verifies the answer's
// checkpoint and inclusion proof, and keeps the answer.
func (t *target) write(ctx context.Context, keyFile, artifact, answer string) error {
	request, err := signedRequest(keyFile, artifact)
	if err != nil {
		return err
	}
	writer, err := write.NewWriter(t.url)
	if err != nil {
		return err
	}
	entry, err := writer.Add(ctx, request)
	if err != nil {
		return err
	}
	if err := verify.VerifyLogEntry(entry, t.note); err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	json, err := protojson.Marshal(entry)
	if err != nil {
		return err
	}
	if err := os.WriteFile(answer, json, 0o600); err != nil {
		return err
	}
	fmt.Printf("logged at %d\n", entry.LogIndex)
	return nil
}

func signedRequest(keyFile, artifact string) (*pb.HashedRekordRequestV002, error) {
	data, err := os.ReadFile(artifact)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	private, err := cryptoutils.UnmarshalPEMToPrivateKey(pem, cryptoutils.SkipPassword)
	if err != nil {
		return nil, err
	}
	signer, err := signature.LoadDefaultSignerVerifier(private, options.WithED25519ph())
	if err != nil {
		return nil, err
	}
	public, err := signer.PublicKey()
	if err != nil {
		return nil, err
	}
	algorithm, err := signature.GetDefaultAlgorithmDetails(public, options.WithED25519ph())
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	content, err := signer.SignMessage(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	hash := algorithm.GetHashType().New()
	hash.Write(data)
	return &pb.HashedRekordRequestV002{
		Digest: hash.Sum(nil),
		Signature: &pb.Signature{
			Content: content,
			Verifier: &pb.Verifier{
				Verifier:   &pb.Verifier_PublicKey{PublicKey: &pb.PublicKey{RawBytes: spki}},
				KeyDetails: algorithm.GetSignatureAlgorithm(),
			},
		},
	}, nil
}
