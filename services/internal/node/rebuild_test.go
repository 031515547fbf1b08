package node

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// Where all databases are on servers, an operator's machine has no data directory,
// and books can be derived again all the same.
func TestThereIsRoomToDeriveWithoutADataDirectory(t *testing.T) {
	t.Parallel()
	o := &Operator{cfg: Config{DataDir: filepath.Join(t.TempDir(), "nowhere")}, logger: slog.New(slog.DiscardHandler)}
	derived := false
	_, err := o.beside(t.Context(), "ledger", func(ctx context.Context, scratch *database.DB) (feed.Rebuilt, error) {
		derived = true
		return feed.Rebuilt{}, scratch.Ready(ctx)
	})
	if err != nil || !derived || exists(o.cfg.DataDir) {
		t.Errorf("derived %t, %v", derived, err)
	}
}
