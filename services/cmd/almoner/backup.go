package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/node"
)

func (p program) backup(ctx context.Context, args []string) error {
	rest, err := p.flags("backup", args, nil, 1)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("backup: into which folder? It must not exist yet")
	}
	cfg, err := p.config(node.LoadOperatorConfig(p.environ))
	if err != nil {
		return err
	}
	manifest, err := node.Backup(ctx, cfg, rest[0], p.logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	var bytes int64
	for _, file := range manifest.Files {
		bytes += file.Bytes
	}
	fmt.Fprintf(p.stdout, "%s: %d files, %d bytes, the site as it was at %s\n", rest[0], len(manifest.Files), bytes, manifest.MadeAt.Format(time.RFC3339))
	if cfg.SecretKey.IsSet() {
		fmt.Fprintln(p.stdout, "ALMONER_SECRET_KEY is not in it: keep the key too, or links in receipts and stored webhooks are lost.")
	}
	return nil
}

func (p program) restore(_ context.Context, args []string) error {
	var only string
	rest, err := p.flags("restore", args, func(set *flag.FlagSet) { set.StringVar(&only, "only", "", "") }, 1)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("restore: from which folder?")
	}
	cfg, err := p.config(node.LoadOperatorConfig(p.environ))
	if err != nil {
		return err
	}
	var services []string
	if only != "" {
		services = strings.Split(only, ",")
	}
	restored, err := node.Restore(cfg, rest[0], services)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "restored %s, as of %s\n", strings.Join(restored.Services, ", "), restored.MadeAt.Format(time.RFC3339))
	for _, kept := range restored.Kept {
		fmt.Fprintf(p.stdout, "kept %s\n", kept)
	}
	fmt.Fprintln(p.stdout, "Start it, and run `almoner audit --wait 5m`.")
	return nil
}
