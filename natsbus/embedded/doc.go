// Package embedded runs a NATS server with JetStream in this process: what a
// cluster needs, without setting anything up.
//
// [Start] opens a directory, which the server alone uses while it runs, and keeps
// there what the server stores and the credentials that it draws at its first
// start. Without [Config].Listen the server has no port: [Server.Connect] connects
// within the process. With it others reach it at [Server.ClientURL], each as one of
// [Config].Users, whose seed is in a file of its own. Several servers with the same
// credentials and routes to one another are a cluster.
//
// The package knows no stream and no subject.
package embedded
