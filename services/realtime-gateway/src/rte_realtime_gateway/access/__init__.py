"""What a client may do: who, how much, and until when."""
