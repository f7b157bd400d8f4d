/** Embeds the server through its module. */
module org.simplepush.examples.embedmain {
  requires org.simplepush.server;
}
