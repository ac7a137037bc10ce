package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"
)

type signing struct {
	config, keyKind, content, bundle, publicKey string
}

// signArtifact signs with a new key of the given kind, has the signature logged
// where the signing configuration says, and writes the bundle and the key.
func signArtifact(to signing, artifact string) error {
	data, err := os.ReadFile(artifact)
	if err != nil {
		return err
	}
	content, err := contentOf(to.content, data)
	if err != nil {
		return err
	}
	kind, ok := v1.PublicKeyDetails_value[to.keyKind]
	if !ok {
		return fmt.Errorf("no key kind %q", to.keyKind)
	}
	keypair, err := sign.NewEphemeralKeypair(&sign.EphemeralKeypairOptions{Algorithm: v1.PublicKeyDetails(kind)})
	if err != nil {
		return err
	}
	logs, err := logsOf(to.config)
	if err != nil {
		return err
	}
	bundle, err := sign.Bundle(content, keypair, sign.BundleOptions{TransparencyLogs: logs})
	if err != nil {
		return err
	}

	json, err := protojson.Marshal(bundle)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to.bundle, json, 0o600); err != nil {
		return err
	}
	pem, err := keypair.GetPublicKeyPem()
	if err != nil {
		return err
	}
	return os.WriteFile(to.publicKey, []byte(pem), 0o600)
}

func contentOf(form string, data []byte) (sign.Content, error) {
	switch form {
	case "message":
		return &sign.PlainData{Data: data}, nil
	case "dsse":
		statement := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1",`+
			`"subject":[{"name":"artifact","digest":{"sha256":"%x"}}],`+
			`"predicateType":"https://example.com/predicate","predicate":{}}`, sha256.Sum256(data))
		return &sign.DSSEData{Data: []byte(statement), PayloadType: "application/vnd.in-toto+json"}, nil
	default:
		return nil, fmt.Errorf("no content %q", form)
	}
}

func logsOf(configFile string) ([]sign.Transparency, error) {
	config, err := root.NewSigningConfigFromPath(configFile)
	if err != nil {
		return nil, err
	}
	services, err := root.SelectServices(config.RekorLogURLs(), config.RekorLogURLsConfig(),
		sign.RekorAPIVersions, time.Now())
	if err != nil {
		return nil, err
	}
	var logs []sign.Transparency
	for _, service := range services {
		logs = append(logs, sign.NewRekor(&sign.RekorOptions{BaseURL: service.URL, Version: service.MajorAPIVersion}))
	}
	return logs, nil
}
