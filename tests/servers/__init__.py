"""The servers that tests run against: real ones here, the embedded ones in `worker.demo.embedded`."""
