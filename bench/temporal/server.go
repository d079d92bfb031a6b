package main

import (
	"fmt"
	"path/filepath"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/testing/freeport"
	schema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
)

const (
	loopback  = "127.0.0.1"
	namespace = "bench"
	active    = "active"
)

// unbounded are the limits of a server that many share, which would be measured
// otherwise.
var unbounded = dynamicconfig.StaticClient{
	dynamicconfig.FrontendRPS.Key():                             any(1_000_000),
	dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():      any(1_000_000),
	dynamicconfig.FrontendPersistenceMaxQPS.Key():               any(1_000_000),
	dynamicconfig.HistoryRPS.Key():                              any(1_000_000),
	dynamicconfig.HistoryPersistenceMaxQPS.Key():                any(1_000_000),
	dynamicconfig.MatchingRPS.Key():                             any(1_000_000),
	dynamicconfig.MatchingPersistenceMaxQPS.Key():               any(1_000_000),
	dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): any(true),
	dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():      any(1),
	dynamicconfig.MatchingNumTaskqueueWritePartitions.Key():     any(1),
}

// start runs all of Temporal's services in this process, over one SQLite database in
// dir, or in memory if synchronous, its pragma, is "".
func start(dir, synchronous string) (address string, s temporal.Server, err error) {
	database := &config.SQL{PluginName: sqlite.PluginName, ConnectAttributes: map[string]string{}}
	if synchronous == "" {
		database.DatabaseName = filepath.Base(dir)
		database.ConnectAttributes = map[string]string{"mode": "memory", "cache": "shared"}
	} else {
		database.DatabaseName = filepath.Join(dir, "temporal.db")
		database.ConnectAttributes = map[string]string{"mode": "rwc", "journal_mode": "wal", "synchronous": synchronous}
		if err := schema.SetupSchema(database); err != nil {
			return "", nil, fmt.Errorf("set up the schema: %w", err)
		}
	}
	ns, err := schema.NewNamespaceConfig(active, namespace, false, nil)
	if err == nil {
		err = schema.CreateNamespaces(database, ns)
	}
	if err != nil {
		return "", nil, fmt.Errorf("create the namespace: %w", err)
	}
	cfg := configure(database)
	s, err = temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithLogger(log.NewNoopLogger()),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
		temporal.WithDynamicConfigClient(unbounded),
	)
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		return "", nil, fmt.Errorf("start Temporal's server: %w", err)
	}
	return cfg.PublicClient.HostPort, s, nil
}

// configure is what temporalite sets, which is the command's server for development.
func configure(database *config.SQL) *config.Config {
	port := freeport.MustGetFreePort()
	address := fmt.Sprintf("%s:%d", loopback, port)
	service := func(port int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: port, MembershipPort: freeport.MustGetFreePort(), BindOnLocalHost: true}}
	}
	cfg := &config.Config{
		Persistence: config.Persistence{
			DefaultStore: sqlite.PluginName, VisibilityStore: sqlite.PluginName, NumHistoryShards: 1,
			DataStores: map[string]config.DataStore{sqlite.PluginName: {SQL: database}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10, MasterClusterName: active, CurrentClusterName: active,
			ClusterInformation: map[string]cluster.ClusterInformation{active: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: address}},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			"frontend": service(port),
			"history":  service(freeport.MustGetFreePort()),
			"matching": service(freeport.MustGetFreePort()),
			"worker":   service(freeport.MustGetFreePort()),
		},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchival{State: config.ArchivalDisabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: config.ArchivalDisabled},
		}},
		PublicClient: config.PublicClient{HostPort: address},
	}
	cfg.Global.Membership.BroadcastAddress = loopback
	cfg.Global.Metrics = &metrics.Config{Prometheus: &metrics.PrometheusConfig{
		ListenAddress: fmt.Sprintf("%s:%d", loopback, freeport.MustGetFreePort()), HandlerPath: "/metrics",
	}}
	return cfg
}
