// Torchwood's client as a reader of a log: it authenticates the tiles against
// the signed checkpoint, and every entry against the tiles.
//
//	torchwood -vkey KEY URL|FOLDER
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	log.SetFlags(0)
	vkey := flag.String("vkey", "", "the log's verifier key")
	flag.Parse()
	if err := read(context.Background(), flag.Arg(0), *vkey); err != nil {
		log.Fatal(err)
	}
}

func read(ctx context.Context, where, vkey string) error {
	tiles, err := open(where)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return fmt.Errorf("verifier key: %w", err)
	}
	signed, err := tiles.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	policy := torchwood.ThresholdPolicy(2,
		torchwood.OriginPolicy(verifier.Name()), torchwood.SingleVerifierPolicy(verifier))
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}

	client, err := torchwood.NewClient(tiles)
	if err != nil {
		return err
	}
	var entries int64
	for index, entry := range client.AllEntries(ctx, checkpoint.Tree, 0) {
		// Some by themselves too, with proofs: the first of each bundle, and the last.
		if index%torchwood.TileWidth == 0 || index == checkpoint.N-1 {
			proved, _, err := client.Entry(ctx, checkpoint.Tree, index)
			if err != nil {
				return fmt.Errorf("entry %d: %w", index, err)
			}
			if string(proved) != string(entry) {
				return fmt.Errorf("entry %d is another one when it is read by itself", index)
			}
		}
		entries++
	}
	if err := client.Err(); err != nil {
		return fmt.Errorf("entries: %w", err)
	}
	if entries != checkpoint.N {
		return fmt.Errorf("%d entries in a tree of %d", entries, checkpoint.N)
	}
	fmt.Printf("authenticated %d entries\n", entries)
	return nil
}

func open(where string) (torchwood.TileReader, error) {
	if strings.HasPrefix(where, "http://") {
		return torchwood.NewTileFetcher(where)
	}
	return torchwood.NewTileFS(os.DirFS(where), torchwood.WithGzipDataTiles())
}
