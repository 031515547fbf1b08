// Package session knows who is at the other end: browsers that signed in, links
// that were mailed to sign somebody in, and who is of the staff.
//
// It promises:
//
//   - Whoever reads the database, or a copy of it, cannot become anybody: of
//     tokens only hashes are stored.
//   - A session ends after fourteen days without a visit, after thirty days in any
//     case, when its owner signs out, here or everywhere, and does not come back,
//     whatever was under way at that moment.
//   - What staff may do is looked up at each request, so that a role that was
//     taken away is gone at once. Staff's desks also want a sign-in of the last
//     twelve hours and a visit within the last hour.
//   - A link works once, for fifteen minutes, in the browser that asked for it, or
//     in another one for who can name the address it was sent to.
//   - However often it is asked, an address gets three mails an hour and ten a day.
//
// Mail addresses are stored here because sign-in is; they are in no log and in no
// error. Everything here is safe for concurrent use.
package session
