// Package setup is about an installation as a whole: what is wrong with it (doctor), and how it takes the place of
// another (adopt).
package setup
