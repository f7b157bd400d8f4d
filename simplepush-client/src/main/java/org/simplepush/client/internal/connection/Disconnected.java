package org.simplepush.client.internal.connection;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a connection or an attempt to connect ended.
 *
 * @param closeCode the WebSocket close code, or {@link Connector#NO_CLOSE_FRAME}
 * @param reason a sentence for people, without its full stop
 * @param failures how many attempts in a row have failed, 1 or more
 * @param retryIn how long until the next attempt
 * @param cause what went wrong below the protocol; null if the reason says it all
 */
public record Disconnected(
    int closeCode, String reason, int failures, Duration retryIn, @Nullable Throwable cause) {}
