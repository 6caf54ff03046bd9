"""The GraphQL queries to Dagster's webserver."""

STATE = """
query ($finished: [InstigationTickStatus!]!) {
  instance { daemonHealth { allDaemonStatuses { daemonType required lastHeartbeatTime } } }
  workspaceOrError {
    ... on PythonError { message }
    ... on Workspace { locationEntries { name locationOrLoadError {
      ... on PythonError { message causes { message } }
      ... on RepositoryLocation { repositories {
        schedules { name scheduleState { status ticks(limit: 1, statuses: $finished) {
          timestamp status error { message causes { message } } } } }
        sensors { name sensorState { status ticks(limit: 1, statuses: $finished) {
          timestamp status error { message causes { message } } } } }
      } }
    } } }
  }
}
"""

ASSETS = """
query ($keys: [AssetKeyInput!]!, $days: [String!]!) {
  assetNodes(assetKeys: $keys) {
    assetKey { path }
    assetPartitionStatuses {
      ... on TimePartitionStatuses { ranges { startKey endKey status } }
    }
    latestMaterializationByPartition(partitions: $days) {
      partition timestamp
      metadataEntries { label
        ... on IntMetadataEntry { intValue }
        ... on TableMetadataEntry { table { records } }
      }
    }
    assetChecksOrError { ... on AssetChecks { checks {
      name
      executionForLatestMaterialization { status evaluation { success description } }
    } } }
  }
}
"""

ACTIVE_RUNS = """
query ($statuses: [RunStatus!]!) {
  runsOrError(filter: {statuses: $statuses}) {
    ... on Runs { results {
      jobName creationTime startTime tags { key value } assetSelection { path }
    } }
  }
}
"""

LAUNCH = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PartitionKeysNotFoundError { message }
    ... on PythonError { message }
    ... on UnauthorizedError { message }
  }
}
"""

# `runs` takes a limit from Dagster 1.13.4 on, and without one gives all.
BACKFILL = """
query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PythonError { message }
    ... on PartitionBackfill {
      id status creationTime title partitionNames
      error { message }
      assetSelection { path }
      runs { status creationTime tags { key value } }
    }
  }
}
"""

RECORDED = """
query ($key: AssetKeyInput!, $days: [String!]!) {
  assetNodes(assetKeys: [$key]) {
    latestMaterializationByPartition(partitions: $days) { partition timestamp }
  }
}
"""
