package org.simplepush.server.internal.net;

/** How much of a stranger its device is (protocol §13): the first are shed first. */
enum Acquaintance {
  /** It said no hello. */
  NONE,
  /** It has no channel that is stored. */
  WITHOUT_CHANNEL,
  /** It has channels. */
  KNOWN
}
