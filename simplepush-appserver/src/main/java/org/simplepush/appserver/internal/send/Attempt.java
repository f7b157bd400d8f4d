package org.simplepush.appserver.internal.send;

import org.jspecify.annotations.Nullable;

/** One request. */
final class Attempt {
  final Mailbox mailbox;
  final long version;

  /** Counts the attempts of the sender. */
  final long number;

  /** When it was decided on, by the clock of the sender. */
  final long begun;

  /** Whether the limit of the host held other requests back when this one began. */
  final boolean atLimit;

  /** Whether the host had yet to prove itself when this one began. */
  final boolean onProbation;

  /** The thread that hands it to the transport, while it does. */
  volatile @Nullable Thread beginner;

  /** The answer, if it came on that thread. Of that thread. */
  @Nullable Answer early;

  volatile Transport.@Nullable Exchange exchange;
  volatile boolean givenUp;

  Attempt(
      Mailbox mailbox,
      long version,
      long number,
      long begun,
      boolean atLimit,
      boolean onProbation) {
    this.mailbox = mailbox;
    this.version = version;
    this.number = number;
    this.begun = begun;
    this.atLimit = atLimit;
    this.onProbation = onProbation;
  }
}
