package account

import "github.com/almoner/almoner/services/web/internal/front"

// Routes are the addresses of the desk.
func (d *Desk) Routes() []front.Route {
	return []front.Route{
		{Pattern: "/sign-in", Privacy: front.Personal, Access: front.WithSession, Get: d.askForm, Post: d.ask},
		{Pattern: "/sign-in/sent", Privacy: front.Personal, Access: front.Anyone, Get: d.sent},
		{Pattern: "/sign-in/{token}", Privacy: front.SecretForm, Access: front.WithSession, Get: d.linkForm, Post: d.redeem},
		{Pattern: "/sign-out", Privacy: front.Personal, Access: front.WithSession, Get: d.signOutForm, Post: d.signOut},
		{Pattern: "/account/sign-out-everywhere", Privacy: front.Personal, Access: front.WithSession, Get: d.signOutForm, Post: d.signOutEverywhere},
	}
}
