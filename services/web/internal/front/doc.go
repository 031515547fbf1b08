// Package front has what every page of the site has in common, whichever desk it
// belongs to: its address and who may open it, the security headers, protection
// against forged submissions, the visitor's language and session, and what is said
// when something is in the way.
//
// It promises that nothing a visitor sends makes a 500, that every answer has the
// headers of its route, that nobody reaches a handler whom the route does not let
// in, and that "there is none" and "it is not yours" look alike. The person who
// acts is put into the request's context, so that questions to the services speak
// for that person and for nobody else.
package front
