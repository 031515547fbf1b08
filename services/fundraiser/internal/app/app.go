package app

import (
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
)

// App is the service's use cases. It is safe for use by several goroutines.
type App struct {
	store Store
	now   func() time.Time
}

// New returns the use cases on a store. Dates of appeals are compared with
// now's.
func New(store Store, now func() time.Time) *App {
	return &App{store: store, now: now}
}

// Answers that pages and the donation service tell apart.
var (
	errNoAppeal      = apperr.New(apperr.NotFound, "APPEAL_UNKNOWN", "There is no such appeal.")
	errNoPage        = apperr.New(apperr.NotFound, "FUNDRAISER_UNKNOWN", "There is no such fundraiser.")
	errAppealClosed  = apperr.New(apperr.Gone, "APPEAL_CLOSED", "This appeal is closed and takes no more gifts.")
	errPageClosed    = apperr.New(apperr.Gone, "FUNDRAISER_CLOSED", "This fundraiser is closed and takes no more gifts.")
	errNoGift        = apperr.New(apperr.NotFound, "GIFT_NOT_COUNTED", "This gift has not been counted.")
	errNoHome        = apperr.New(apperr.FailedPrecondition, "NO_HOME_ORGANIZATION", "No organization has been loaded yet.")
	errNoImage       = apperr.New(apperr.NotFound, "IMAGE_UNKNOWN", "There is no such picture.")
	errPagePaused    = apperr.New(apperr.Gone, "FUNDRAISER_PAUSED", "This fundraiser is paused and takes no gifts now.")
	errNothingNamed  = apperr.Invalid(apperr.Field{Name: "target", Reason: "TARGET_MISSING", Message: "Say what the gift is for."})
	errFundNotOnList = apperr.Invalid(apperr.Field{Name: "fund", Reason: "FUND_UNKNOWN", Message: "Choose one of the funds of this appeal."})
)
