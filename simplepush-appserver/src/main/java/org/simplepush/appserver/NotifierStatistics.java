package org.simplepush.appserver;

import java.time.Duration;

/**
 * What a {@link Notifier} has done since it was built. All but {@code waiting}, {@code onWire} and
 * {@code hostsPaused} only grow. The numbers are of one moment.
 *
 * @param waiting endpoints with a version on the wire or waiting for it
 * @param onWire requests under way
 * @param hostsPaused hosts that are being left alone because they fail
 * @param calls calls of {@code publish}, and endpoints taken by {@code publishAll}
 * @param collapsed calls that caused no request of their own, because one that waited or was on the
 *     wire does for them; those taken while the one they joined is retried included
 * @param requests requests sent and ended, retries included
 * @param retries requests after the first for a version
 * @param hostPauses times a host was left alone because it failed even one request at a time
 * @param accepted calls with the verdict {@link Verdict.Accepted}
 * @param stale those of {@code accepted} that were {@link Verdict.Accepted#stale stale}
 * @param gone calls with the verdict {@link Verdict.Gone}
 * @param rejected calls with the verdict {@link Verdict.Rejected}
 * @param refused calls with the verdict {@link Verdict.Refused}
 * @param failed calls with the verdict {@link Verdict.Failed}
 * @param requestTime the time all ended requests took together
 */
public record NotifierStatistics(
    long waiting,
    long onWire,
    long hostsPaused,
    long calls,
    long collapsed,
    long requests,
    long retries,
    long hostPauses,
    long accepted,
    long stale,
    long gone,
    long rejected,
    long refused,
    long failed,
    Duration requestTime) {}
