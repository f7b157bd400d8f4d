package org.simplepush.client;

import java.net.URI;

/**
 * An endpoint has a new version: whatever it stands for has changed at the application server.
 *
 * @param endpoint which of the application's endpoints; a secret, left out of {@link #toString()}
 * @param version 0 … 2<sup>63</sup>−1, higher than any handed over for this endpoint before.
 *     Versions may be skipped
 * @since 0.1
 */
public record PushMessage(URI endpoint, long version) {
  /** Leaves the endpoint out. */
  @Override
  public String toString() {
    return "PushMessage[version=" + version + "]";
  }
}
