// Sigstore-go signs and verifies: bundles with a public key and a log entry.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
)

const usage = `usage:
  sigstore-go sign   -signing-config FILE -key-kind KIND -content message|dsse -bundle FILE -public-key FILE ARTIFACT
  sigstore-go verify -trusted-root FILE -bundle FILE -public-key FILE ARTIFACT
  sigstore-go verdicts QUESTIONS`

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal(usage)
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	var (
		signingConfig = flags.String("signing-config", "", "signing_config.json")
		trustedRoot   = flags.String("trusted-root", "", "trusted_root.json")
		keyKind       = flags.String("key-kind", "", "a name of PublicKeyDetails")
		content       = flags.String("content", "message", "what is signed: message or dsse")
		bundle        = flags.String("bundle", "", "the bundle")
		publicKey     = flags.String("public-key", "", "the signer's public key, in PEM")
	)
	if err := flags.Parse(os.Args[2:]); err != nil {
		log.Fatal(err)
	}
	artifact := flags.Arg(0)
	var err error
	switch os.Args[1] {
	case "sign":
		err = signArtifact(signing{
			config:    *signingConfig,
			keyKind:   *keyKind,
			content:   *content,
			bundle:    *bundle,
			publicKey: *publicKey,
		}, artifact)
	case "verify":
		err = verifyArtifact(*trustedRoot, *publicKey, *bundle, artifact)
	case "verdicts":
		err = giveVerdicts(artifact, os.Stdout)
	default:
		err = fmt.Errorf("no command %q\n%s", os.Args[1], usage)
	}
	if err != nil {
		log.Fatal(err)
	}
}
