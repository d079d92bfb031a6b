// Package docker runs tasks in Docker containers that are hardened unless their
// operator loosens them.
package docker

import _ "github.com/docker/docker/client"
