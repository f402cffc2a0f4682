// Package informer reaches the clusters that Applications are deployed to for those who look at what is there, and
// keeps watches of a namespace for as long as somebody looks at it, and a few minutes more: looking again costs the API
// server nothing, and what nobody looks at costs nothing here.
package informer
