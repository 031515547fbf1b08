// Package pages answers the site's addresses: it reads the request, asks the
// services, and draws a page of package view.
//
// What every answer has, errors included: the security headers of its route,
// protection against forged submissions, and a body that a person can act on.
// Bad input is answered with a page that says what is wrong and keeps what was
// typed; nothing a visitor sends makes a 500.
//
// What is held between requests are drawn pages and pictures, which can be drawn
// again, so any number of processes can serve the site side by side, and a restart is
// noticed by nobody. A page that is the same for everybody is drawn once for each
// change and language; the code of the link that a reader came by is put in.
package pages
