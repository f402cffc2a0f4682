package main

// version is what every answer reports. Change it, commit and push, and watch the traffic follow.
const version = "v1"
