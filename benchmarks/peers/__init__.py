"""The same jobs in other tools: one file a tool, one function a job."""
