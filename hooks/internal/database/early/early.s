// See setGCPercent.
