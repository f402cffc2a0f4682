// Package application is the controller of Applications: it gathers what git asks for and what is live, has the pure
// rooms decide, carries that out, and reports.
//
// One Application is worked on by one worker at a time. Nothing is remembered that the cluster and git do not hold:
// what is kept in memory only saves work, and a controller that is killed at any moment goes on from the status and
// from what is live.
package application
