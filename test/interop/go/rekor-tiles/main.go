// Rekor-tiles' own client writes to a log, and reads from it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
)

const usage = `usage:
  rekor-tiles write -url URL -origin NAME -log-key FILE -signer FILE -entry FILE ARTIFACT
  rekor-tiles read  -url URL -origin NAME -log-key FILE -entry FILE`

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal(usage)
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	var (
		url    = flags.String("url", "", "the log")
		origin = flags.String("origin", "", "the log's origin")
		logKey = flags.String("log-key", "", "the log's public key, in PEM")
		signer = flags.String("signer", "", "the key to sign with, in PEM")
		entry  = flags.String("entry", "", "the entry as the log answered it")
	)
	if err := flags.Parse(os.Args[2:]); err != nil {
		log.Fatal(err)
	}
	there, err := newTarget(*url, *origin, *logKey)
	if err != nil {
		log.Fatal(err)
	}
	switch os.Args[1] {
	case "write":
		err = there.write(context.Background(), *signer, flags.Arg(0), *entry)
	case "read":
		err = there.read(context.Background(), *entry)
	default:
		err = fmt.Errorf("no command %q\n%s", os.Args[1], usage)
	}
	if err != nil {
		log.Fatal(err)
	}
}
