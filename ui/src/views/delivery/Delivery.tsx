export default function Delivery() { return <p data-ready>Delivery</p>; }
