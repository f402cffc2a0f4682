// Package view is the read model of pages, scripts and terminals: what is shown of Applications, Rollouts and
// deliveries, made of the objects as they were observed.
package view
