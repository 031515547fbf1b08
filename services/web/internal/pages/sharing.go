package pages

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/internal/platform/typeset"
	"github.com/almoner/almoner/services/web/internal/sharing"
	"github.com/almoner/almoner/services/web/internal/view"
)

const (
	// cardFor is how long a picture is good: drawing takes a processor a twentieth
	// of a second, and a total that is a minute old is no lie beside a link.
	cardFor = time.Minute
	// cardsMost bounds their memory: some 60 kB each.
	cardsMost = 500
	// cardPhoto is the width of the photo in it.
	cardPhoto = 800
)

// cards keeps drawn pictures.
type cards struct {
	fonts *typeset.Fonts
	mu    sync.Mutex // also lets one picture at a time be drawn
	drawn map[string]keptCard
}

type keptCard struct {
	picture []byte
	at      time.Time
}

func newCards(fonts *typeset.Fonts) *cards { return &cards{fonts: fonts, drawn: map[string]keptCard{}} }

func (c *cards) picture(name string, now time.Time, describe func() sharing.Card) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, known := c.drawn[name]
	if known && now.Sub(kept.at) < cardFor {
		return kept.picture, nil
	}
	var picture bytes.Buffer
	err := sharing.DrawCard(&picture, c.fonts, describe())
	if err != nil {
		return nil, err
	}
	if len(c.drawn) >= cardsMost {
		clear(c.drawn)
	}
	c.drawn[name] = keptCard{picture: picture.Bytes(), at: now}
	return picture.Bytes(), nil
}

// sharePicture is what other sites show beside a link to the page.
func (s *Site) sharePicture(w http.ResponseWriter, r *http.Request) {
	found, err := s.shownFundraiser(r.Context(), r.PathValue("slug"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	spoken := s.front.Texts(r.Context())
	progress, err := found.progress(found.totals())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	name := spoken.Tag + " " + found.page.GetFundraiserId() + " " + strconv.FormatInt(found.page.GetVersion(), 10)
	picture, err := s.cards.picture(name, s.now(), func() sharing.Card {
		return s.shareCard(r.Context(), found, progress, spoken)
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "image/png")
	header.Set("Content-Length", strconv.Itoa(len(picture)))
	header.Set("Cache-Control", "public, max-age=60")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin") // it is meant to be shown elsewhere
	header.Add("Vary", "Accept-Language, Cookie")
	_, _ = w.Write(picture)
}

func (s *Site) shareCard(ctx context.Context, found target, progress view.Progress, spoken *texts.Texts) sharing.Card {
	card := sharing.Card{
		Title:        found.page.GetTitle(),
		By:           spoken.Say("share.card.by", "Owner", found.page.GetOwnerName(), "Appeal", found.appeal.GetTitle()),
		Raised:       spoken.Say("share.card.raised", "Raised", spoken.Money(progress.Raised)),
		Organization: found.organization.GetName(),
		Percent:      -1,
		RTL:          spoken.RTL,
		Language:     spoken.Tag,
	}
	if progress.HasBar() {
		card.Percent = progress.Percent()
		card.Raised = spoken.Say("share.card.raised_of", "Raised", spoken.Money(progress.Raised), "Goal", spoken.Money(progress.Goal))
	}
	id := found.page.GetPhoto().GetImageId()
	if id == "" {
		return card
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	// Without its photo the picture is still the page's.
	photo, err := s.fundraisers.GetImage(ctx, &fundraiserv1.GetImageRequest{ImageId: id, Width: widthAtMost(found.page.GetPhoto(), cardPhoto)})
	if err == nil {
		card.Photo = photo.GetContent()
	}
	return card
}

// widthAtMost is the largest width of a picture that is not above what is wanted,
// or its smallest.
func widthAtMost(picture *fundraiserv1.Image, wanted int32) int32 {
	found := int32(0)
	for _, width := range picture.GetWidths() { // the largest first
		found = width
		if width <= wanted {
			break
		}
	}
	return found
}

// qrCode draws the page's address for the camera of a phone.
func (s *Site) qrCode(w http.ResponseWriter, r *http.Request) {
	found, err := s.shownFundraiser(r.Context(), r.PathValue("slug"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	address := s.front.Absolute(found.path())
	svg, err := sharing.Code(address+"?"+view.FieldShare+"="+view.Camera, address)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "image/svg+xml")
	header.Set("Content-Length", strconv.Itoa(len(svg)))
	header.Set("Cache-Control", "public, max-age=3600")
	_, _ = strings.NewReader(svg).WriteTo(w)
}

// embedded is the page small enough to stand inside another site's.
func (s *Site) embedded(r *http.Request) (_ view.Page, whole bool, err error) {
	found, err := s.shownFundraiser(r.Context(), r.PathValue("slug"))
	if err != nil {
		return nil, false, err
	}
	progress, err := found.progress(found.totals())
	if err != nil {
		return nil, false, err
	}
	return &view.Embedded{
		Frame:    view.Frame{Title: found.page.GetTitle()},
		Heading:  found.page.GetTitle(),
		Owner:    found.page.GetOwnerName(),
		Appeal:   found.appeal.GetTitle(),
		URL:      s.front.Absolute(found.path()) + "?" + view.FieldShare + "=" + view.Embedder,
		Closed:   found.closed(),
		Progress: progress,
	}, true, nil
}
