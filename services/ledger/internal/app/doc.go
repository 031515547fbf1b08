// Package app holds what can be done with the books: post facts, list entries,
// add up accounts, export, and prove that nothing was touched.
//
// Posting promises that a fact has its effect once, however often it comes, and
// that the effect of a batch is all there or not at all. Reading promises one
// consistent picture, and exports promise what the trial balance says.
package app
