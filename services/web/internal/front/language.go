package front

import (
	"context"
	"net/http"
	"net/url"

	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/view"
)

const (
	// languageParameter chooses the language of a page, and of those after it.
	languageParameter = "lang"
	// languageCookie remembers the choice. It says nothing about who made it.
	languageCookie = "lang"
	languageYears  = 365 * 24 * 60 * 60
)

type textsKey struct{}

// language is what the reader chose: in the address, before, or in the browser's
// settings.
func language(r *http.Request) (tag string, chosen bool) {
	if r.URL.RawQuery != "" {
		asked := r.URL.Query().Get(languageParameter)
		if texts.Speaks(asked) {
			return asked, true
		}
	}
	cookie, err := r.Cookie(languageCookie)
	if err == nil && texts.Speaks(cookie.Value) {
		return cookie.Value, false
	}
	return texts.Match(r.Header.Get("Accept-Language")), false
}

// spoken puts the reader's language into the request's context, and remembers it
// when it was just chosen.
func (f *Front) spoken(w http.ResponseWriter, r *http.Request) *http.Request {
	tag, chosen := language(r)
	if chosen {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the site is reached by https
			Name: languageCookie, Value: tag, Path: "/", MaxAge: languageYears,
			Secure: f.Secure(), SameSite: http.SameSiteLaxMode, HttpOnly: true,
		})
	}
	return r.WithContext(context.WithValue(r.Context(), textsKey{}, f.texts.In(tag)))
}

// Texts are those of the reader's language.
func (f *Front) Texts(ctx context.Context) *texts.Texts {
	spoken, ok := ctx.Value(textsKey{}).(*texts.Texts)
	if !ok {
		return f.texts.In("")
	}
	return spoken
}

// InLanguage is the request as one for a page in that language, unless the reader
// has just chosen another.
func (f *Front) InLanguage(r *http.Request, tag string) *http.Request {
	_, chosen := language(r)
	if chosen || !texts.Speaks(tag) {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), textsKey{}, f.texts.In(tag)))
}

// languageLinks are this page in each language. Only a page that was asked for
// can be asked for again; what was sent cannot.
func (f *Front) languageLinks(r *http.Request, page *view.Frame, current string) []view.LanguageLink {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil
	}
	links := make([]view.LanguageLink, 0, len(texts.Languages()))
	for _, l := range texts.Languages() {
		query := r.URL.Query()
		query.Set(languageParameter, l.Tag)
		address := url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
		link := view.LanguageLink{Tag: l.Tag, Name: l.Name, URL: address.String(), Current: l.Tag == current}
		if page.Canonical == f.Absolute(r.URL.Path) {
			link.Alternate = page.Canonical + "?" + languageParameter + "=" + l.Tag
		}
		links = append(links, link)
	}
	return links
}
