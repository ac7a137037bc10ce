package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	rekorpb "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/rekor-tiles/v2/pkg/client/read"
	"github.com/sigstore/rekor-tiles/v2/pkg/verify"
	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"google.golang.org/protobuf/encoding/protojson"
)

// read finds an entry that was answered before in the log as it is served now:
// the newest checkpoint extends the answer's, the tiles prove the entry at it,
// and the entry bundle has the entry.
func (t *target) read(ctx context.Context, answer string) error {
	json, err := os.ReadFile(answer)
	if err != nil {
		return err
	}
	entry := &rekorpb.TransparencyLogEntry{}
	if err := protojson.Unmarshal(json, entry); err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	if err := verify.VerifyLogEntry(entry, t.note); err != nil {
		return fmt.Errorf("the answer: %w", err)
	}

	reader, err := read.NewReader(t.url, t.origin, t.key)
	if err != nil {
		return err
	}
	newest, _, err := reader.ReadCheckpoint(ctx)
	if err != nil {
		return err
	}
	if err := t.proveConsistency(ctx, reader, entry, newest); err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	if err := proveInclusion(ctx, reader, entry, newest); err != nil {
		return fmt.Errorf("inclusion: %w", err)
	}
	if err := findInBundle(ctx, reader, entry, newest.Size); err != nil {
		return fmt.Errorf("entry bundle: %w", err)
	}
	fmt.Printf("read entry %d in a log of %d\n", entry.LogIndex, newest.Size)
	return nil
}

func (t *target) proveConsistency(ctx context.Context, reader read.Client, entry *rekorpb.TransparencyLogEntry, newest *log.Checkpoint) error {
	before, err := verify.VerifyCheckpoint(entry.InclusionProof.Checkpoint.Envelope, t.note)
	if err != nil {
		return err
	}
	builder, err := client.NewProofBuilder(ctx, newest.Size, reader.ReadTile)
	if err != nil {
		return err
	}
	hashes, err := builder.ConsistencyProof(ctx, before.Size, newest.Size)
	if err != nil {
		return err
	}
	return proof.VerifyConsistency(rfc6962.DefaultHasher, before.Size, newest.Size, hashes, before.Hash, newest.Hash)
}

func proveInclusion(ctx context.Context, reader read.Client, entry *rekorpb.TransparencyLogEntry, newest *log.Checkpoint) error {
	builder, err := client.NewProofBuilder(ctx, newest.Size, reader.ReadTile)
	if err != nil {
		return err
	}
	hashes, err := builder.InclusionProof(ctx, uint64(entry.LogIndex))
	if err != nil {
		return err
	}
	return verify.VerifyInclusionProof(&rekorpb.TransparencyLogEntry{
		LogIndex:          entry.LogIndex,
		CanonicalizedBody: entry.CanonicalizedBody,
		InclusionProof:    &rekorpb.InclusionProof{Hashes: hashes},
	}, newest)
}

func findInBundle(ctx context.Context, reader read.Client, entry *rekorpb.TransparencyLogEntry, size uint64) error {
	index := uint64(entry.LogIndex)
	bundle, err := client.GetEntryBundle(ctx, reader.ReadEntryBundle, index/layout.EntryBundleWidth, size)
	if err != nil {
		return err
	}
	at := index % layout.EntryBundleWidth
	if at >= uint64(len(bundle.Entries)) || !bytes.Equal(bundle.Entries[at], entry.CanonicalizedBody) {
		return fmt.Errorf("entry %d is another one than was answered", index)
	}
	return nil
}
