package app

import (
	"context"
	"errors"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// ErrNoReceipt is returned by a Reader that was asked for a receipt that does
// not exist.
var ErrNoReceipt = errors.New("there is no such receipt")

// ErrNoPDF is returned by a Reader that was asked for a file that is not drawn.
var ErrNoPDF = errors.New("there is no such file")

// Store keeps everything that this service owns. The suite in apptest says what
// an implementation must do.
type Store interface {
	// InTx runs fn in one transaction that commits when fn returns nil. fn may
	// be run again and must not change anything outside the transaction.
	InTx(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	// InReadTx runs fn on one consistent snapshot.
	InReadTx(ctx context.Context, fn func(ctx context.Context, r Reader) error) error
}

// Reader answers questions inside a transaction.
type Reader interface {
	// Organizations returns those of the ids that have been seen.
	Organizations(ctx context.Context, ids []string) (map[string]domain.Organization, error)
	// Funds returns those of the keys that have been seen.
	Funds(ctx context.Context, keys []domain.FundKey) (map[domain.FundKey]domain.Fund, error)

	// DueGifts returns gifts whose receipt may be tried at that time and is not
	// parked: those never tried first, by when they succeeded, so that numbers
	// follow the gifts.
	DueGifts(ctx context.Context, now time.Time, limit int) ([]DueGift, error)
	// DueDrawings returns receipts whose PDF may be tried at that time, likewise,
	// by number; those that wait for a font, too.
	DueDrawings(ctx context.Context, now time.Time, limit int) ([]DueDrawing, error)
	// DueMails returns receipts whose mail may be tried at that time, likewise,
	// by number. A mail is not due before its PDF was tried.
	DueMails(ctx context.Context, now time.Time, limit int) ([]DueMail, error)
	// Parked returns what waits for staff, the longest parked first.
	Parked(ctx context.Context) ([]Parked, error)

	// Receipt returns the receipt with that number, or ErrNoReceipt.
	Receipt(ctx context.Context, number domain.Number) (domain.Receipt, error)
	// ReceiptOfDonation returns a donation's newest receipt and when its mail was
	// handed over (zero until then), or ErrNoReceipt.
	ReceiptOfDonation(ctx context.Context, donationID string) (domain.Receipt, time.Time, error)
	// FirstReceipt returns the one that says what was given, or ErrNoReceipt.
	FirstReceipt(ctx context.Context, donationID string) (domain.Receipt, error)
	// ReceiptStanding adds what became of a receipt.
	ReceiptStanding(ctx context.Context, receipt domain.Receipt) (domain.Standing, error)
	// ChangesOf returns what happened to a donation after it was paid.
	ChangesOf(ctx context.Context, donationID string) ([]domain.Change, error)
	// DueCorrections returns donations whose receipt may be corrected at that time
	// and that have one, those never tried first.
	DueCorrections(ctx context.Context, now time.Time, limit int) ([]DueCorrection, error)
	// DueNotices returns void receipts of which the donor may be told at that time.
	DueNotices(ctx context.Context, now time.Time, limit int) ([]DueMail, error)

	// Drawing returns how far the PDF of a receipt is, or ErrNoReceipt.
	Drawing(ctx context.Context, number domain.Number) (Drawing, error)
	// PDF returns the file of a receipt, or ErrNoPDF.
	PDF(ctx context.Context, number domain.Number) (PDF, error)

	// Sums adds up the receipts in force, ordered by organization and currency.
	Sums(ctx context.Context) ([]Sum, error)
	// Backlog counts what is due; parked rows are not.
	Backlog(ctx context.Context) (Backlog, error)
	// Standing tells the same, since when, and how much is parked.
	Standing(ctx context.Context) (Standing, error)
	// SeriesFaults returns the series whose receipts are not exactly 1, 2, 3, …
	// up to the counter.
	SeriesFaults(ctx context.Context) ([]SeriesFault, error)
	// Checkpoints returns how far the consumed feeds are applied.
	Checkpoints(ctx context.Context) ([]Checkpoint, error)
}

// Tx is one transaction that writes.
type Tx interface {
	Reader

	// SaveOrganizations keeps each organization unless a copy of the same or a
	// higher version is there. Ids must not repeat.
	SaveOrganizations(ctx context.Context, organizations []domain.Organization) error
	// SaveFunds does the same for funds. Keys must not repeat.
	SaveFunds(ctx context.Context, funds []domain.Fund) error

	// AddGifts makes a receipt due for each donation that has none yet and is
	// not due already.
	AddGifts(ctx context.Context, gifts []domain.Gift) error
	// LockGifts returns those of the donations that are still due, and keeps
	// others from settling them until the commit.
	LockGifts(ctx context.Context, donationIDs []string) ([]DueGift, error)
	// RemoveGifts ends the dues of those of the donations that have a receipt.
	RemoveGifts(ctx context.Context, donationIDs []string) error

	// AddChanges stores changes that are not there yet, and makes the receipts of
	// their donations due to be corrected.
	AddChanges(ctx context.Context, changes []domain.Change) error
	// LockCorrections returns those of the donations that are still due to be
	// corrected, and keeps others from settling them until the commit.
	LockCorrections(ctx context.Context, donationIDs []string) ([]DueCorrection, error)
	// RemoveCorrections ends them.
	RemoveCorrections(ctx context.Context, donationIDs []string) error
	// AddEndings ends receipts for ever. A mail that was not handed over is
	// withdrawn; of a void receipt whose mail was, the donor is due to be told.
	AddEndings(ctx context.Context, endings []domain.Ending) error
	// MarkNoticed notes that a donor was told of a void receipt.
	MarkNoticed(ctx context.Context, number domain.Number, at time.Time) error

	// TakeNumbers takes the next count sequence numbers of a series and returns
	// the first. Others who number in the series wait for the commit.
	TakeNumbers(ctx context.Context, series domain.Series, count int) (first int64, err error)
	// AddReceipts stores receipts for ever and makes their PDFs and mails due.
	AddReceipts(ctx context.Context, receipts []domain.Receipt) error
	// AddPDFs stores files for ever, and ends their drawings. A file that is
	// there already stays as it is.
	AddPDFs(ctx context.Context, files []PDF) error
	// AwaitFonts notes what drawings wait for and when they are tried again.
	AwaitFonts(ctx context.Context, waits []FontWait) error
	// WakeDrawings makes all drawings that wait for fonts due at once.
	WakeDrawings(ctx context.Context) error
	// MarkMailed notes that a receipt's mail was handed over. If the receipt has become
	// void meanwhile, the donor is due to be told, as with AddEndings.
	MarkMailed(ctx context.Context, number domain.Number, at time.Time) error

	// Delay keeps rows of a queue from being tried before their time.
	Delay(ctx context.Context, queue Queue, delays []Delay) error
	// Park takes rows of a queue out of it until staff release them.
	Park(ctx context.Context, queue Queue, stops []Stop, at time.Time) error
	// Release puts parked rows back into their queue, to be tried at once; an
	// empty id means all of them.
	Release(ctx context.Context, queue Queue, id string) error

	// AfterCommit runs hook once what was written is durable.
	AfterCommit(hook func())
}

// Mailer hands letters over for delivery.
type Mailer interface {
	// Send returns nil once the letter will be delivered without us. Handing
	// over a letter with an ID seen before changes nothing. An error that
	// apperr calls permanent means that this letter will never be taken.
	Send(ctx context.Context, letter Letter) error
}

// Letter is one mail to one donor. It holds personal data.
type Letter struct {
	ID            string // the same whenever the same receipt is sent
	SenderName    string
	RecipientName string
	Recipient     string
	Language      string // BCP 47
	Subject       string
	Text          string
	HTML          string
	// PDF is the receipt's file, under that name; empty when there is none yet.
	PDF     []byte
	PDFName string
}

// Printer draws receipts. It is safe for concurrent use.
type Printer interface {
	// Print returns the file. Where characters are not covered by any font it
	// draws nothing and names their scripts.
	Print(sheet Sheet) (file []byte, missing []string, err error)
	// RefreshFonts finds fonts that were installed since the last time.
	RefreshFonts()
}

// Queue names one of the kinds of work that wait in the store.
type Queue int

// The queues. A row's id is the donation's for gifts and corrections and the
// receipt's number in the others.
const (
	GiftQueue Queue = iota + 1
	MailQueue
	DrawingQueue
	CorrectionQueue
	NoticeQueue
)

// DueCorrection is a donation whose receipt may not say any more what is left.
type DueCorrection struct {
	DonationID string
	Attempts   int
}

// DueGift is a gift whose receipt is due.
type DueGift struct {
	domain.Gift
	Attempts int
}

// DueMail is a receipt whose mail is due.
type DueMail struct {
	Receipt  domain.Receipt
	Attempts int
}

// DueDrawing is a receipt whose PDF is due.
type DueDrawing struct {
	Receipt  domain.Receipt
	Attempts int
	WaitsFor []string // what it lacked the last time
}

// Drawing is how far a receipt's PDF is.
type Drawing struct {
	Drawn    bool
	WaitsFor []string // scripts that no font covers
}

// PDF is a receipt's file.
type PDF struct {
	Number  domain.Number
	SHA256  string // hex
	Content []byte
	DrawnAt time.Time
}

// FontWait says what a drawing lacks, and when it is tried again.
type FontWait struct {
	Number   domain.Number
	WaitsFor []string
	Until    time.Time
}

// Delay says when a row may be tried again.
type Delay struct {
	ID       string
	Attempts int // how often it has been tried by now
	Until    time.Time
}

// Stop says why a row is not tried any more. The reason is for staff and holds
// no personal data.
type Stop struct {
	ID       string
	Attempts int
	Reason   string
}

// Parked is a row that waits for staff.
type Parked struct {
	Queue      Queue
	ID         string
	DonationID string
	Attempts   int
	Reason     string
	Since      time.Time
}

// Sum adds up the receipts of one organization in one currency.
type Sum struct {
	OrganizationID string
	Total          money.Amount // gift and cover together
	Receipts       int64
}

// Backlog counts what is due and not done.
type Backlog struct {
	Receipts int64
	Mails    int64
}

// SeriesFault describes a series that is not dense.
type SeriesFault struct {
	Series   domain.Series
	Counter  int64 // last number given
	Receipts int64 // how many there are
	Distinct int64 // how many different sequence numbers they bear
	Highest  int64
}

// Checkpoint is how far a feed is applied.
type Checkpoint struct {
	Feed  string
	Epoch int64
	Pos   int64
}
