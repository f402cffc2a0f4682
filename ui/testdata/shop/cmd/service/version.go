package main

// version is what the service reports of itself.
const version = "1.0"
