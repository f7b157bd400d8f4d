package org.simplepush.appserver.internal.send;

import java.time.Duration;

/** What a {@link Sender} has done, at one moment. {@code NotifierStatistics} explains each. */
public record SenderStatistics(
    long waiting,
    long onWire,
    long hostsPaused,
    long calls,
    long collapsed,
    long requests,
    long retries,
    long hostPauses,
    OutcomeTally.Counts outcomes,
    Duration requestTime) {}
