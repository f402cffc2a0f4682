// Package rollout decides how a Rollout replaces its pods by blue-green.
//
// [Decide] takes what was seen of the cluster at one time and returns what to do next: actions in order, the next status, events, and when to look
// again. It keeps nothing between two calls. Every action can be repeated, and a decision is right whatever part of the one before it was
// carried out, so that a controller may be stopped at any instruction.
//
// What the active Service selects is taken from the Service itself, never from what was meant to be written. Actions that could cost a request
// (a cut-over, a scale-down) carry a check that is made again on fresh reads just before they are carried out.
package rollout
