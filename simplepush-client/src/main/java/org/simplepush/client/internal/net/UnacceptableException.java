package org.simplepush.client.internal.net;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The server does what no server should. The message is a sentence without its full stop. */
final class UnacceptableException extends IOException {
  private static final long serialVersionUID = 1;

  UnacceptableException(String sentence) {
    this(sentence, null);
  }

  UnacceptableException(String sentence, @Nullable Throwable cause) {
    super(sentence, cause);
  }
}
