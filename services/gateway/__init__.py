"""The real-time door: HL7 v2 messages by HTTP and MLLP, acknowledged once they are durable."""
