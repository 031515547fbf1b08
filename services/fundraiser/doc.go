// Package fundraiser is the service that knows what can be given to:
// organizations, their funds, appeals, and supporters' pages under them. It
// keeps the totals that pages show.
//
// It promises that a gift is attributed to what was open when the donor asked;
// that a catalogue is loaded whole or not at all; that every gift counts once,
// in its own currency, to its appeal and its page alike; and that a total says
// at which position of the donation feed it is true. Pages and direct gifts
// together are always the appeal. Donors are not known here, only donations.
// What staff change is written down with who changed it and what it was before,
// for good. Who watches totals is told what changes as it is then, and never
// waits for one who does not read.
//
// Supporters have accounts here and own the pages that they begin, also before
// they signed in. It promises that a page is written by its owner alone, that
// two windows do not undo each other, that a picture carries nothing of its
// camera, and that an owner hears of each gift once. Mail addresses and names of
// supporters are kept here and told to nobody but their owners.
//
// It needs no other service to start or to answer. Without NATS, totals follow
// by reading the donation service's feed over gRPC; without that service they
// stand still, and say where.
//
// Publishes: OrganizationChanged, FundChanged
//
// Consumes: DonationProcessing, DonationSucceeded, DonationFailed, DonationRefunded,
// DonationRefundFailed, DonationDisputed, DonationDisputeClosed
package fundraiser
