// Package live knows the clusters that Applications deploy to: how each is reached, which kinds it serves, and what
// is live in it.
//
// A cluster is watched by metadata alone, and only for the kinds that Applications have there; an object that is
// managed is read in full when its resourceVersion is another than before. A kind that cannot be watched, or a
// cluster that cannot be reached, leaves the others alone.
package live
