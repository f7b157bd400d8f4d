package org.simplepush.appserver.internal.send;

import java.net.URI;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;

/** Decides whether an endpoint may be connected to, as far as its text says. */
public interface EndpointCheck {
  /** Checks an endpoint. Looks no name up, and throws nothing. */
  Checked check(URI endpoint);

  /** A URL that passed, or the refusal. */
  record Checked(@Nullable HttpUrl url, Outcome.@Nullable Refused refusal) {
    /** Shows the host at most: the rest of an endpoint is a secret. */
    @Override
    public String toString() {
      return "Checked[" + (url != null ? url.host() + "/…" : refusal) + "]";
    }
  }
}
