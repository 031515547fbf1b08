package account

import (
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/staff"
)

// Routes are the addresses of the desk.
func (d *Desk) Routes() []front.Route {
	return []front.Route{
		{Pattern: "/sign-in", Privacy: front.Personal, Access: front.WithSession, Get: d.askForm, Post: d.ask},
		{Pattern: "/sign-in/sent", Privacy: front.Personal, Access: front.Anyone, Get: d.sent},
		{Pattern: "/sign-in/{token}", Privacy: front.SecretForm, Access: front.WithSession, Get: d.linkForm, Post: d.redeem},
		{Pattern: "/sign-out", Privacy: front.Personal, Access: front.WithSession, Get: d.signOutForm, Post: d.signOut},
		{Pattern: "/account/sign-out-everywhere", Privacy: front.Personal, Access: front.WithSession, Get: d.signOutForm, Post: d.signOutEverywhere},
		{Pattern: "/start", Privacy: front.Open, Access: front.Anyone, Get: d.start},
		{Pattern: "/start/{appeal}", Privacy: front.Personal, Access: front.WithSession, Get: d.writeForm, Post: d.write},
		{Pattern: "/start/{appeal}/preview", Privacy: front.Personal, Access: front.WithSession, Get: d.previewDraft},
		{Pattern: "/account/{$}", Privacy: front.Personal, Access: front.Supporters, Get: d.overview},
		{Pattern: "/account/settings", Privacy: front.Personal, Access: front.Supporters, Get: d.settingsForm, Post: d.settings},
		{Pattern: "/account/fundraisers/{id}", Privacy: front.Personal, Access: front.Supporters, Get: d.own},
		{Pattern: "/account/fundraisers/{id}/edit", Privacy: front.Personal, Access: front.Supporters, Get: d.editForm, Post: d.edit},
		{Pattern: "/account/fundraisers/{id}/preview", Privacy: front.Personal, Access: front.Supporters, Get: d.previewOwn},
		{Pattern: "/account/fundraisers/{id}/{action}", Privacy: front.Personal, Access: front.Supporters, Get: d.confirm, Post: d.act},
		{Pattern: "/photos/{image}/{width}", Privacy: front.Open, Access: front.Anyone, Get: d.photo},
		{Pattern: staff.PeoplePath, Privacy: front.Personal, Access: front.Admins, Get: d.people, Post: d.addPerson},
		{Pattern: staff.PeoplePath + "/{id}", Privacy: front.Personal, Access: front.Admins, Get: d.person, Post: d.changePerson},
	}
}
