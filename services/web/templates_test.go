package web

import (
	"testing"

	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/account"
	"github.com/almoner/almoner/services/web/internal/assets"
	"github.com/almoner/almoner/services/web/internal/console"
	"github.com/almoner/almoner/services/web/internal/staff"
	"github.com/almoner/almoner/services/web/internal/view"
)

// Pages are parsed when somebody first opens them; a mistake in one must not wait
// for that.
func TestEveryTemplateIsOne(t *testing.T) {
	t.Parallel()
	files, err := assets.Load()
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := texts.Load(texts.Dates(), view.Words(), account.Words(), console.Words(), staff.Words())
	if err != nil {
		t.Fatal(err)
	}
	views, err := view.New(files, catalogue, account.Templates(), console.Templates(), staff.Templates())
	if err != nil {
		t.Fatal(err)
	}
	err = views.Parse()
	if err != nil {
		t.Error(err)
	}
}
