// Package domain holds the rules of what can be given to and of what has been
// given: organizations, their funds, appeals, supporters' pages, and totals as
// a fold of counted gifts.
//
// Everything here is a value or a pure function: no context, no clock, no
// database, no wire types. A Catalogue that Check finds nothing wrong with can
// be kept; what Fold counts is exact whatever the batches were.
package domain
